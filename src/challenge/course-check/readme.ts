import type { Fault } from '../check/fault.ts';
import type { CourseLayout } from './course-layout.ts';

const maxReadmeBytes = 2 ** 20;

/** Checks what Readme.txt must say: what each part of the zip is, the third-party libraries, a script that is in the zip. */
export function checkReadme(bytes: Uint8Array, where: string, layout: CourseLayout): Fault[] {
  const fault = (check: string, message: string): Fault => ({ check, where, message });
  if (bytes.length > maxReadmeBytes) return [fault('readme-unreadable', `has ${bytes.length} bytes; shorten it`)];
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return [fault('readme-unreadable', 'is not UTF-8 text; save it as UTF-8')];
  }
  if (text.trim() === '')
    return [fault('readme-empty', 'is empty; describe the files, libraries and the script to run')];
  const faults: Fault[] = [];
  const undescribed = partsOf(layout).filter((names) => !names.some((name) => text.includes(name)));
  if (undescribed.length > 0) {
    const listed = undescribed.map(([name]) => name).join(', ');
    faults.push(fault('readme-files', `does not mention ${listed}; describe what each part of the zip is`));
  }
  if (!/librar|third[- ]party|dependenc|packages/i.test(text)) {
    faults.push(fault('readme-libraries', 'names no third-party libraries; list them, or write that there are none'));
  }
  const missing = layout.code.length === 0 ? [] : missingScripts(text, layout.code);
  if (missing.length > 0) {
    const message = `says to run ${missing.join(', ')}, which is not in the zip; add the script, or correct its name`;
    faults.push(fault('readme-script', message));
  } else if (layout.code.length > 0 && namedScripts(text, layout.code).length === 0) {
    faults.push(fault('readme-script', 'names no script that is in the zip; say which one to run, and how'));
  }
  const ids = new Set(text.match(/\b[A-Z]\d{7,8}[A-Z]\b/g));
  if (layout.id !== undefined && ids.size > 0 && !ids.has(layout.id)) {
    const message = `has the matriculation number ${[...ids].slice(0, 3).join(', ')}, but the zip is ${layout.id}.zip; use one number`;
    faults.push(fault('id-mismatch', message));
  }
  return faults;
}

/** The code files that the text of Readme.txt mentions. */
export function namedScripts(text: string, code: readonly string[]): string[] {
  return code.filter((name) => mentions(text, name.slice(name.lastIndexOf('/') + 1)));
}

/** Python scripts after `python` in the text that are missing from the code. */
function missingScripts(text: string, code: readonly string[]): string[] {
  const scripts = text.matchAll(/\bpython[\d.]*(?:[ \t]+-[A-Za-z]\b)*[ \t]+([\w./\\-]+\.py)\b/gi);
  const paths = [...scripts].map(([, path = '']) => path.replaceAll('\\', '/').replace(/^(\.{0,2}\/)+/, ''));
  const isThere = (path: string) => code.some((name) => name === path || name.endsWith(`/${path}`));
  return [...new Set(paths.filter((path) => !isThere(path)))];
}

/** The names by which each part may be described. */
function partsOf({ report, masks, weights }: CourseLayout): string[][] {
  const last = (path: string) => path.split('/').at(-1) ?? path;
  const folder = (path: string) => path.split('/').at(-2) ?? path;
  const [mask] = masks.values();
  return [
    ...(report === undefined ? [] : [[last(report)]]),
    // Masks outside of any folder are a fault of their own.
    ...(mask?.includes('/') ? [[folder(mask)]] : []),
    ...(weights.length === 0 ? [] : [weights.flatMap((name) => [last(name), folder(name)])]),
  ].map(([name = '', ...others]) => [name, ...others]);
}

function mentions(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (!/[\w.-]/.test(text.charAt(at - 1)) && !/\w/.test(text.charAt(at + name.length))) return true;
  }
  return false;
}
