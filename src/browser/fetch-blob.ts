import { FaceparseError } from '../text/errors.ts';

/** Fetches a URL as a Blob. @throws FaceparseError if the request fails or the status is not a success */
export async function fetchBlob(url: string): Promise<Blob> {
  let answer: Response;
  try {
    answer = await fetch(url);
  } catch (cause) {
    throw new FaceparseError(`cannot fetch ${url}; check the address, the connection and CORS`, { cause });
  }
  if (!answer.ok) throw new FaceparseError(`cannot fetch ${url}: the server responded with status ${answer.status}`);
  try {
    return await answer.blob();
  } catch (cause) {
    throw new FaceparseError(`the download of ${url} was cut short; try again`, { cause });
  }
}
