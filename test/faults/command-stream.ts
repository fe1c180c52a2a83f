/** Cuts the bytes that a Redis client sends into whole commands, each as it was sent. */
export class CommandStream {
  #rest: Buffer = Buffer.alloc(0);

  /** The commands that are complete now. */
  *feed(data: Buffer): Generator<Buffer> {
    this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    for (let end = endOfCommand(this.#rest); end !== undefined; end = endOfCommand(this.#rest)) {
      const command = this.#rest.subarray(0, end);
      this.#rest = this.#rest.subarray(end);
      yield command;
    }
  }
}

/** Where the first command ends: `*2\r\n$4\r\nECHO\r\n$1\r\nx\r\n`. */
function endOfCommand(bytes: Buffer): number | undefined {
  let [count, at] = number(bytes, 0) ?? [];
  while (count !== undefined && at !== undefined && count > 0) {
    const [length, start] = number(bytes, at) ?? [];
    if (length === undefined || start === undefined) return undefined;
    at = start + length + 2;
    count -= 1;
  }
  return at !== undefined && at <= bytes.length ? at : undefined;
}

/** Reads `*12\r\n` or `$12\r\n`: the number, and where what follows begins. */
function number(bytes: Buffer, at: number): [value: number, next: number] | undefined {
  const end = bytes.indexOf('\r\n', at);
  return end < 0 ? undefined : [Number(bytes.toString('latin1', at + 1, end)), end + 2];
}
