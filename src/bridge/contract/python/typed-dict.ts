import { type ClassNames, isFieldName } from './names.js';
import { comment, docstring, quoted, WIDTH } from './text.js';
import { type PythonClass, type PythonField, printType, printValue } from './types.js';

/** Writes an object as a TypedDict. */
export function renderTypedDict(definition: PythonClass, names: ClassNames): string[] {
  const asFields = definition.fields.every(({ key }) => isFieldName(key) && !names.isUsed(key));
  return asFields ? renderClass(definition) : renderCall(definition);
}

function renderClass({ name, doc, fields }: PythonClass): string[] {
  const lines = fields.flatMap((field) => [
    ...annotation(field),
    ...(field.doc === '' ? [] : docstring(field.doc, '    ')),
  ]);
  return [`class ${name}(TypedDict):`, ...docstring(doc, '    '), '', ...lines];
}

function annotation(field: PythonField): string[] {
  const line = `    ${field.key}: ${typeOf(field)}`;
  const { type } = field;
  if (line.length <= WIDTH || type.kind !== 'literal') {
    return [line];
  }
  const [before, after] = field.required ? ['', ''] : ['NotRequired[', ']'];
  return [
    `    ${field.key}: ${before}Literal[`,
    ...type.values.map((value) => `        ${printValue(value)},`),
    `    ]${after}`,
  ];
}

/** For keys that cannot be names of fields. */
function renderCall({ name, doc, fields }: PythonClass): string[] {
  const lines = fields.flatMap((field) => [
    ...comment(field.doc, '        ').filter(() => field.doc !== ''),
    `        ${quoted(field.key)}: ${quoted(typeOf(field))},`,
  ]);
  return [`${name} = TypedDict(`, `    "${name}",`, '    {', ...lines, '    },', ')', ...docstring(doc, '')];
}

function typeOf(field: PythonField): string {
  return field.required ? printType(field.type) : `NotRequired[${printType(field.type)}]`;
}
