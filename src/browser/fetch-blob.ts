import { FaceparseError } from '../text/errors.ts';

/** @throws FaceparseError where the address cannot be reached or does not answer with success */
export async function fetchBlob(url: string): Promise<Blob> {
  let answer: Response;
  try {
    answer = await fetch(url);
  } catch (cause) {
    throw new FaceparseError(`${url} cannot be fetched; check the address, the connection and CORS`, { cause });
  }
  if (!answer.ok) throw new FaceparseError(`${url} cannot be fetched: the server answered ${answer.status}`);
  return answer.blob();
}
