// Whether Grafana's own types take dashboards, panels with their options too:
// node grafana.js GIVEN.json, {"typescript": folder, "schema": folder of
// @grafana/schema, "dashboards": [files]}.  Prints what they refuse, a line each:
// "DASHBOARD.json: line: why".

const fs = require('fs');
const path = require('path');

const { typescript, schema, dashboards: files } = JSON.parse(fs.readFileSync(process.argv[2], 'utf8'));
const ts = require(`${typescript}/typescript`);

// enums as JSON has them; what the panel of a type may have, and its queries
const TYPES = `
import type { Dashboard, DataQuery, Panel } from '@grafana/schema';
import type * as stat from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type * as series from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';

type Json<T> = T extends string ? \`\${T}\` : T extends number | boolean | null | undefined ? T
    : T extends Array<infer One> ? Json<One>[] : { [Name in keyof T]: Json<T[Name]> };
type Query = DataQuery & { expr: string, legendFormat?: string, format?: 'time_series' | 'table' | 'heatmap',
    instant?: boolean, range?: boolean, interval?: string, exemplar?: boolean };
type Of<Type, Options, Field = {}> = Omit<Panel<Options, Field>, 'type' | 'options' | 'targets' | 'fieldConfig'> & {
    type: Type, options: Partial<Options>, targets: Query[],
    fieldConfig: Omit<NonNullable<Panel['fieldConfig']>, 'defaults'> & {
        defaults: Omit<NonNullable<Panel['fieldConfig']>['defaults'], 'custom'> & { custom?: Field } } };
export type Judged = Json<Omit<Dashboard, 'panels'>> & {
    panels: Json<Of<'stat', stat.Options> | Of<'timeseries', series.Options, series.FieldConfig>>[] };
`;

const texts = new Map([['types.ts', TYPES], ...files.map((file, i) => [`${i}.ts`,
    `import type { Judged } from './types';\nexport const it: Judged = ${fs.readFileSync(file, 'utf8')};\n`])]
    .map(([name, text]) => [path.join(path.dirname(schema), name), text]));

const options = { noEmit: true, strict: true, skipLibCheck: true, types: [], target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler };
const host = ts.createCompilerHost(options);
const { fileExists, readFile, getSourceFile } = host;

host.fileExists = (name) => texts.has(name) || fileExists(name);
host.readFile = (name) => texts.get(name) ?? readFile(name);
host.getSourceFile = (name, ...more) => texts.has(name) ? ts.createSourceFile(name, texts.get(name), ...more)
    : getSourceFile(name, ...more);

const program = ts.createProgram([...texts.keys()], options, host);
for (const { file, start, messageText } of ts.getPreEmitDiagnostics(program)) {
    const of = file && files[Number(path.basename(file.fileName, '.ts'))];
    const line = file && ts.getLineAndCharacterOfPosition(file, start).line;
    const why = ts.flattenDiagnosticMessageText(messageText, ' ').replace(/\s+/g, ' ');
    console.log(`${of ?? file?.fileName ?? 'types'}: ${line}: ${why}`);
}
