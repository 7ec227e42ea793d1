const documents = 'https://github.com/faceparse/faceparse/blob/main/docs/';

/**
 * The address of a document in docs/, which an installed package does not contain.
 *
 * @example docLink('study-files.md') // 'https://github.com/faceparse/faceparse/blob/main/docs/study-files.md'
 */
export function docLink(name: string): string {
  return `${documents}${name}`;
}
