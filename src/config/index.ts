/**
 * Configurations of training runs, without file access: for Node and browsers.
 *
 * @module faceparse/config
 */
export { formatConfigReference } from './describe-config.ts';
export { parseConfig } from './parse-config.ts';
export { type Config, configSchema } from './schema.ts';
