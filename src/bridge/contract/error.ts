/** A contract is written wrongly: a name, an option or a schema that cannot work. Thrown where the contract is defined. */
export class ContractDefinitionError extends Error {
  override readonly name = 'ContractDefinitionError';
}
