import type { SuspectSearch } from './suspect.ts';

export async function suspectsPage(search: SuspectSearch): Promise<string> {
  return JSON.stringify(search.suspects);
}
