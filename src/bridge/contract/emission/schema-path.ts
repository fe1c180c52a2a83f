/** Where a part of a JSON Schema is: keywords, names and indices from the root. */
export type SchemaPath = readonly (string | number)[];

/** Says where in the *payload* a part of its schema applies: `files[].name`; empty for the payload itself. */
export function payloadPath(schemaPath: SchemaPath): string {
  let path = '';
  for (let at = 0; at < schemaPath.length; at += 1) {
    switch (schemaPath[at]) {
      case 'properties':
      case 'patternProperties':
      case '$defs':
        at += 1;
        path += path === '' ? String(schemaPath[at]) : `.${String(schemaPath[at])}`;
        break;
      case 'items':
        path += '[]';
        break;
      case 'prefixItems':
        at += 1;
        path += `[${String(schemaPath[at])}]`;
        break;
      case 'additionalProperties':
        path += '.*';
        break;
      case 'propertyNames':
        path += '.* (key)';
        break;
      default:
        // `anyOf`, `0`: another view of the same place.
        break;
    }
  }
  return path;
}
