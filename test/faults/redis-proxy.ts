import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterAll } from 'vitest';
import { CommandStream } from './command-stream.js';

/** What a worker uses a connection for. */
export type Purpose = 'commands' | 'marker' | 'line';

/** One connection of a worker, on its way through the proxy. Forwards both ways until told otherwise. */
export class ProxiedConnection {
  /** Known from the first command that tells. */
  purpose: Purpose | undefined;
  /** Asked before each command is forwarded; false keeps it from Redis. */
  passCommand: (command: Buffer) => boolean = () => true;
  /** Given what Redis answers, piece by piece; what it returns goes to the worker. */
  passReplies: (replies: Buffer) => Buffer | undefined = (replies) => replies;
  /** Called when Redis or the worker has ended the connection, or it was cut. */
  onEnd: (() => void) | undefined;
  readonly #worker: Socket;
  readonly #redis: Socket;
  #isEnded = false;
  #isSilent = false;
  #keepsEnds = false;

  constructor(worker: Socket, redis: Socket) {
    this.#worker = worker;
    this.#redis = redis;
    const commands = new CommandStream();
    worker.on('data', (data) => {
      for (const command of commands.feed(data)) {
        this.purpose ??= purposeOf(command);
        if (this.passCommand(command)) this.sendToRedis(command);
      }
    });
    redis.on('data', (data) => {
      const passed = this.passReplies(data);
      if (passed !== undefined) this.sendToWorker(passed);
    });
    for (const socket of [worker, redis]) {
      socket.on('error', () => {}); // 'close' follows
      socket.on('close', () => {
        if (!this.#keepsEnds || socket === redis) this.#end();
      });
    }
  }

  /** Whether Redis or the worker has ended it, or it was cut. */
  get isEnded(): boolean {
    return this.#isEnded;
  }

  /** Whether nothing comes through any more. */
  get isSilent(): boolean {
    return this.#isSilent;
  }

  /** Sends a command to Redis as if it came from the worker. */
  sendToRedis(command: Buffer): void {
    if (this.#redis.writable) this.#redis.write(command);
  }

  /** Sends a piece of replies to the worker as if it came from Redis. */
  sendToWorker(replies: Buffer): void {
    if (this.#worker.writable) this.#worker.write(replies);
  }

  /** Resolves when Redis has run all that was forwarded, or has ended the connection. No reply is passed from now on. */
  async drain(): Promise<void> {
    const sign = `drained-${Math.random()}`;
    await new Promise<void>((resolve) => {
      let seen = '';
      this.passReplies = (replies) => {
        seen = `${seen.slice(-sign.length)}${replies.toString('latin1')}`;
        if (seen.includes(sign)) resolve();
        return undefined;
      };
      this.onEnd = resolve;
      if (this.#isEnded) resolve();
      this.sendToRedis(Buffer.from(`*2\r\n$4\r\nECHO\r\n$${sign.length}\r\n${sign}\r\n`));
    });
  }

  /** Ends the connection on both sides at once. */
  cut(): void {
    this.#end();
  }

  /** Ends the connection for the worker only. Redis does not hear of it. */
  cutWorker(): void {
    this.#keepsEnds = true;
    this.#worker.destroy();
  }

  /** From now on nothing comes through in either direction, and nobody is told. */
  goSilent(): void {
    this.#isSilent = true;
    this.#keepsEnds = true;
    this.passCommand = () => false;
    this.passReplies = () => undefined;
  }

  #end(): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#worker.destroy();
    this.#redis.destroy();
    this.onEnd?.();
  }
}

/** A TCP proxy between a worker and Redis that loses commands, replies and connections on purpose. */
export class RedisProxy {
  /** All connections so far, oldest first. */
  readonly connections: ProxiedConnection[] = [];
  /** Called with each new connection. */
  onConnection: ((connection: ProxiedConnection) => void) | undefined;
  readonly #server: Server;
  readonly #target: URL;

  private constructor(server: Server, target: URL) {
    this.#server = server;
    this.#target = target;
  }

  /** Starts a proxy in front of the Redis at `url`. */
  static async start(url: string): Promise<RedisProxy> {
    const target = new URL(url);
    const server = createServer();
    const proxy = new RedisProxy(server, target);
    server.on('connection', (worker) => {
      const connection = new ProxiedConnection(worker, connect(Number(target.port || 6379), target.hostname));
      proxy.connections.push(connection);
      proxy.onConnection?.(connection);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  /** Where workers connect to. */
  get url(): string {
    const url = new URL(this.#target);
    url.hostname = '127.0.0.1';
    url.port = String((this.#server.address() as AddressInfo).port);
    return url.href;
  }

  /** The connection that a worker uses now. */
  current(purpose: Purpose): ProxiedConnection | undefined {
    return this.connections.findLast((connection) => connection.purpose === purpose && !connection.isEnded);
  }

  /** Cuts every connection and takes no more. */
  close(): void {
    this.#server.close();
    for (const connection of this.connections) connection.cut();
  }
}

/** Lets the tests of a file put proxies in front of the Redis at `url`, and closes them at the end. */
export function useProxies(url: string): () => Promise<RedisProxy> {
  const proxies: RedisProxy[] = [];
  afterAll(() => {
    for (const proxy of proxies) proxy.close();
  });
  return async () => {
    const proxy = await RedisProxy.start(url);
    proxies.push(proxy);
    return proxy;
  };
}

function purposeOf(command: Buffer): Purpose | undefined {
  if (command.includes('BZPOPMIN')) return 'marker';
  if (command.includes('SCRIPT')) return 'commands';
  // A line of a child's own calls scripts that were loaded over the command connection.
  return command.includes('EVALSHA') ? 'line' : undefined;
}
