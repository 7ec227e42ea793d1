/** How the numbers of a column are written for people. */
export type NumberFormat =
  /** 0.9123 */
  | { readonly kind: 'fixed'; readonly digits: number }
  /** 1,681,235 */
  | { readonly kind: 'count' }
  /** Signed percentage points: +1.20, −0.35, ±0.00 */
  | { readonly kind: 'points' };

/** A column of a table. */
export interface TableColumn {
  /** Name in CSV and JSON, unique in the table, such as `macroF1`. */
  readonly key: string;
  /** Heading for people, such as `macro F1`. */
  readonly title: string;
  /** Unit of the numbers, shown in the heading: `ms`. */
  readonly unit?: string;
  /** Format of numbers; absent for text. */
  readonly format?: NumberFormat;
  /** Whether the text is code, such as a setting. */
  readonly code?: true;
  /** Which end of a column of scores is best; its best number is emphasised. */
  readonly best?: 'highest' | 'lowest';
}

/** A value of a table; undefined where there is none. */
export type TableValue = string | number | undefined;

/** A table before it is written as HTML, Markdown, CSV, JSON or text. All of these show the same numbers. */
export interface Table {
  /** Unique in a comparison; also the name of its CSV file: `scores-val`. */
  readonly id: string;
  readonly title: string;
  readonly columns: readonly TableColumn[];
  /** The first column heads its row. */
  readonly rows: readonly (readonly TableValue[])[];
  /** Explains columns, below the table. */
  readonly note?: string;
}
