import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { FaceparseError } from '../text/errors.ts';
import { receiveInBrowser } from './image-source.ts';

describe('receiveInBrowser', () => {
  it('reads a Response and a stream', async () => {
    for (const source of [new Response('abc'), new Blob(['abc']).stream()]) {
      const blob = (await receiveInBrowser(source)) as Blob;
      expect(await blob.text()).toBe('abc');
    }
  });

  it('refuses a Response and a stream that were read', async () => {
    const response = new Response('abc');
    await response.text();
    const stream = new Blob(['abc']).stream();
    stream.getReader();
    expect(() => receiveInBrowser(response)).toThrow('the body of the Response has been read');
    expect(() => receiveInBrowser(stream)).toThrow('the stream has been read, or is locked by another reader');
    expect(() => receiveInBrowser(stream)).toThrow(FaceparseError);
  });

  it('names the URL of a download that is cut short', async () => {
    const server = createServer((_, answer) => {
      answer.writeHead(200, { 'content-length': '1000' });
      answer.write('abc', () => answer.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/face.jpg`;
    await expect(receiveInBrowser(url)).rejects.toThrow(`the download of ${url} was cut short`);
    server.close();
  });
});
