/** The installed BullMQ cannot be used: not found, not a supported version, or with a script whose layout is unknown. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
}
