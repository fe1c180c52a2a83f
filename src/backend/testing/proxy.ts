import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A Redis that can be taken away: a proxy in front of the real one, on a port of its own. */
export interface Proxy {
  readonly url: string;
  /** Where its connections to Redis come from, as `CLIENT LIST` shows them: `127.0.0.1:50123`. */
  addresses(): string[];
  /** Cuts every connection and refuses new ones. */
  goDown(): Promise<void>;
  /** Takes connections again, on the same port. */
  comeBack(): Promise<void>;
}

export async function startProxy(redisUrl: string): Promise<Proxy> {
  const target = new URL(redisUrl);
  const sockets = new Set<Socket>();
  const upstreams = new Set<Socket>();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket));
  };
  const server: Server = createServer((client) => {
    const upstream = connect(Number(target.port || 6379), target.hostname);
    keep(client);
    keep(upstream);
    upstreams.add(upstream);
    upstream.on('close', () => upstreams.delete(upstream));
    client.pipe(upstream).pipe(client);
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => client.destroy());
  });
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const goDown = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await listen(0);
  const { port } = server.address() as AddressInfo;
  onTestFinished(goDown);
  const url = new URL(redisUrl);
  url.host = `127.0.0.1:${port}`;
  const addresses = () => [...upstreams].map(({ localAddress, localPort }) => `${localAddress}:${localPort}`);
  return { url: url.href, addresses, goDown, comeBack: () => listen(port) };
}
