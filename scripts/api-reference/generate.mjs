// Writes the API reference as Markdown: node scripts/api-reference/generate.mjs [folder]   (default: docs/api)
import { fileURLToPath } from 'node:url';
import { Application } from 'typedoc';

const root = fileURLToPath(new URL('../../', import.meta.url));
const out = process.argv[2] ?? `${root}docs/api`;

const application = await Application.bootstrapWithPlugins({
  name: 'faceparse',
  entryPoints: ['index', 'node', 'browser', 'blocks', 'config/index'].map((name) => `${root}src/${name}.ts`),
  basePath: `${root}src`,
  tsconfig: `${root}tsconfig.json`,
  plugin: ['typedoc-plugin-markdown'],
  out,
  readme: 'none',
  // The lines of the source change with every commit.
  disableSources: true,
  disableGit: true,
  excludeInternal: true,
  excludePrivate: true,
  excludeProtected: true,
  excludeExternals: true,
  skipErrorChecking: true,
  logLevel: 'Warn',
  outputFileStrategy: 'modules',
  entryFileName: 'README',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
  parametersFormat: 'table',
  interfacePropertiesFormat: 'table',
  classPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
  propertyMembersFormat: 'table',
});
const project = await application.convert();
if (!project) process.exit(1);
await application.generateOutputs(project);
if (application.logger.hasErrors()) process.exit(1);
