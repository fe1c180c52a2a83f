import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { System } from '../support/system.js';

const DOCUMENT = fileURLToPath(new URL('../../docs/jobs.md', import.meta.url));
const system = new System();

test('the example of jobs by hand completes one job and fails the other', async () => {
  const name = `mail-${randomUUID()}`;
  // The example names neither a prefix nor a server: BullMQ's default, and REDIS_URL.
  const queue = system.queue(name, { prefix: 'bull' });
  const sent = await queue.add('send', { to: 'a@example.org' });
  const refused = await queue.add('send', { to: 'nobody' });
  try {
    const { stdout } = await execa(process.env.PYTHON ?? 'python3', ['-c', program(await example(), name)]);
    expect(stdout).toBe('');
    expect(await sent.getState()).toBe('completed');
    expect((await queue.getJob(sent.id ?? ''))?.returnvalue).toEqual({ sent: 'a@example.org' });
    expect(await refused.getState()).toBe('failed');
    expect((await queue.getJob(refused.id ?? ''))?.failedReason).toBe('no such address');
  } finally {
    await queue.obliterate({ force: true });
  }
});

async function example(): Promise<string> {
  const [, code] =
    /```python\n(from bullmq_bridge import JobSource\n.*?)```/s.exec(await readFile(DOCUMENT, 'utf8')) ?? [];
  if (code === undefined) throw new Error(`${DOCUMENT} has no such example any more`);
  return code;
}

/** The example with what it takes for granted; it ends when the queue has had nothing for a moment. */
function program(code: string, queue: string): string {
  const [imports = '', ...body] = code.split('\n');
  const example = body.join('\n').replace('"mail"', JSON.stringify(queue)).replace('timeout_s=60', 'timeout_s=0.2');
  return `
import asyncio
${imports}

class SmtpError(Exception):
    pass

async def send(data):
    if "@" not in data["to"]:
        raise SmtpError("no such address")
    return {"sent": data["to"]}

async def main():
${example.replace(/^/gm, '    ')}

asyncio.run(main())
`;
}
