import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { CONTRACT_FILE, renderContracts } from './document.js';
import { ContractLintError } from './emission/finding.js';
import { defineQueue, job } from './queue.js';
import { wireJobs } from './wire.js';

const mail = (data: z.ZodType, result: z.ZodType = z.null()) => defineQueue('mail', { send: job({ data, result }) });
const fingerprintOf = (data: z.ZodType, result?: z.ZodType) => wireJobs(mail(data, result)).get('send')?.fingerprint;

describe('wireJobs', () => {
  it('names each schema by queue, job and payload', () => {
    const wire = wireJobs(mail(z.object({ to: z.email() }))).get('send');
    expect(wire?.data.$id).toBe('urn:bullmq-bridge:mail:send:data');
    expect(wire?.result.$id).toBe('urn:bullmq-bridge:mail:send:result');
  });

  it('refuses with file, queue, job, payload, path, reason and way out', () => {
    const contract = mail(z.object({ at: z.date() }), z.object({ ok: z.string().refine(() => true) }));
    const refuse = () => wireJobs(contract, 'src/jobs/mail.ts');
    expect(refuse).toThrow(ContractLintError);
    expect(refuse).toThrow("src/jobs/mail.ts: queue 'mail', job 'send', data, at at: JSON has no date. Instead: z.iso");
    expect(refuse).toThrow("src/jobs/mail.ts: queue 'mail', job 'send', result, at ok: .refine()");
  });
});

describe('fingerprint', () => {
  const base = z.object({ to: z.email(), title: z.string() });

  it('does not change with descriptions, titles, metadata or the order of fields', () => {
    const same = z
      .object({
        title: z
          .string()
          .describe('Subject.')
          .meta({ secret: true, examples: ['Hello'], 'x-widget': 'line' }),
        to: z.email().meta({ title: 'Address', deprecated: true }),
      })
      .describe('A mail.');
    expect(fingerprintOf(same)).toBe(fingerprintOf(base));
  });

  it.each<[string, z.ZodType]>([
    ['a field', base.extend({ cc: z.email().optional() })],
    ['a bound', base.extend({ title: z.string().max(80) })],
    ['a field named like an annotation', base.omit({ title: true })],
    ['a default', base.extend({ title: z.string().default('') })],
  ])('changes with %s', (_, changed) => {
    expect(fingerprintOf(changed)).not.toBe(fingerprintOf(base));
  });

  it('covers the result as well as the data, and tells the two apart', () => {
    const other = z.object({ id: z.string() });
    expect(fingerprintOf(base, other)).not.toBe(fingerprintOf(base));
    expect(fingerprintOf(base, other)).not.toBe(fingerprintOf(other, base));
  });

  it('keeps its value from version to version, for it lies in Redis with every job', () => {
    expect(fingerprintOf(z.object({ id: z.string().min(1) }))).toBe('690a4e205f');
  });
});

describe('renderContracts', () => {
  it('writes one file a payload and lists them with options and fingerprint', () => {
    const wired = wireJobs(mail(z.object({ to: z.email() })));
    const files = renderContracts(new Map([['mail', wired]]));
    expect([...files.keys()]).toEqual(['mail.send.data.json', 'mail.send.result.json', CONTRACT_FILE]);
    expect(JSON.parse(files.get(CONTRACT_FILE) ?? '')).toMatchObject({
      version: 1,
      queues: {
        mail: {
          jobs: {
            send: {
              data: 'mail.send.data.json',
              result: 'mail.send.result.json',
              fingerprint: wired.get('send')?.fingerprint,
              options: { priority: 10 },
            },
          },
        },
      },
    });
  });

  it('has the same bytes for the same contract: sorted keys and a final newline', () => {
    const render = (data: z.ZodType) =>
      renderContracts(new Map([['mail', wireJobs(mail(data))]])).get('mail.send.data.json') ?? '';
    const text = render(z.object({ b: z.string(), a: z.int().max(9).min(0) }));
    expect(render(z.object({ a: z.int().min(0).max(9), b: z.string() }))).toBe(text);
    expect(text.endsWith('}\n')).toBe(true);
    expect(text.indexOf('"$comment"')).toBeLessThan(text.indexOf('"type"'));
  });

  it('writes names that no file system refuses', () => {
    const odd = defineQueue('a/b', { 'c:*?': job({ data: z.object({}), result: z.null() }) });
    const files = renderContracts(new Map([['a/b', wireJobs(odd)]]));
    expect([...files.keys()]).toContain('a%2Fb.c%3A%2A%3F.data.json');
  });

  it('refuses two payloads in one file, also where case does not tell them apart', () => {
    const queue = defineQueue('mail', {
      send: job({ data: z.object({}), result: z.null() }),
      Send: job({ data: z.object({}), result: z.null() }),
    });
    expect(() => renderContracts(new Map([['mail', wireJobs(queue)]]))).toThrow(/Two payloads/);
  });
});
