/** Limits of work in progress. */
export interface BudgetLimits {
  /** Maximum number of pieces. */
  readonly items: number;
  /** Maximum sum of their weights; a heavier piece is admitted alone. */
  readonly weight: number;
}

/**
 * Admits pieces of work in the order of asking, while their number and weight stay within limits.
 *
 * @example
 * const release = await budget.acquire(photo.width * photo.height);
 * try { await parse(photo); } finally { release(); }
 */
export class Budget {
  readonly #limits: BudgetLimits;
  #items = 0;
  #weight = 0;
  readonly #waiting: { readonly weight: number; readonly admit: () => void }[] = [];

  constructor(limits: BudgetLimits) {
    this.#limits = limits;
  }

  /** Resolves when a piece of this weight may begin, with a function to call once when it has ended. */
  async acquire(weight: number): Promise<() => void> {
    if (this.#waiting.length > 0 || !this.#fits(weight)) {
      await new Promise<void>((admit) => this.#waiting.push({ weight, admit }));
    } else {
      this.#add(weight);
    }
    return () => this.#release(weight);
  }

  #fits(weight: number): boolean {
    const { items, weight: most } = this.#limits;
    return this.#items === 0 || (this.#items < items && this.#weight + weight <= most);
  }

  #add(weight: number): void {
    this.#items++;
    this.#weight += weight;
  }

  #release(weight: number): void {
    this.#items--;
    this.#weight -= weight;
    for (let next = this.#waiting[0]; next && this.#fits(next.weight); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#add(next.weight);
      next.admit();
    }
  }
}
