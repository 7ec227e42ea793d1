/** Configurations without file access, for Node and browsers; `load-config.ts` reads files. */
export { formatConfigReference } from './describe-config.ts';
export { parseConfig } from './parse-config.ts';
export { type Config, configSchema } from './schema.ts';
