import type { ProxiedConnection, RedisProxy } from './redis-proxy.js';

/** What happens to a connection from a command on that was aimed at. */
export type Loss = (connection: ProxiedConnection, command: Buffer, proxy: RedisProxy) => void;

/** Neither this command nor a later one reaches Redis. */
export const commandsLost: Loss = (connection) => {
  connection.cut();
};

/** So many script calls reach Redis and are run; no reply comes back. */
export function repliesLost(calls: number): Loss {
  return (connection, aimed) => {
    let forwarded = 0;
    connection.passReplies = () => undefined;
    connection.passCommand = (command) => {
      if (forwarded < calls && isScript(command)) {
        connection.sendToRedis(command);
        forwarded += 1;
        if (forwarded === calls) void connection.drain().then(() => connection.cut());
      }
      return false;
    };
    connection.passCommand(aimed);
  };
}

/** The commands reach Redis; the replies stop in the middle of one. */
export const replyTorn: Loss = (connection, aimed) => {
  connection.passCommand = () => true;
  connection.passReplies = (replies) => {
    connection.passReplies = () => undefined;
    setImmediate(() => connection.cut());
    return replies.subarray(0, Math.ceil(replies.length / 2));
  };
  connection.sendToRedis(aimed);
};

/**
 * So many script calls reach Redis late: after the worker has found out, over its next connection, that they were not
 * run, and before it sends them again.
 */
export function commandsLate(calls: number): Loss {
  return (connection, aimed, proxy) => {
    const late: Buffer[] = [];
    connection.passCommand = (command) => {
      if (isScript(command)) late.push(command);
      if (late.length === calls) connection.cutWorker();
      return false;
    };
    connection.passCommand(aimed);

    const usual = proxy.onConnection;
    proxy.onConnection = (next) => {
      if (late.length < calls) return;
      proxy.onConnection = usual;
      const held: Buffer[] = [];
      next.passCommand = (command) => {
        if (held.length === 0 && !isScript(command)) return true;
        held.push(command);
        if (held.length > 1) return false;
        for (const each of late) connection.sendToRedis(each);
        void connection.drain().then(() => {
          connection.cut();
          next.passCommand = () => true;
          for (const each of held) next.sendToRedis(each);
          usual?.(next);
        });
        return false;
      };
    };
  };
}

/** So many script calls reach Redis without a reply, and the next connection is lost while it finds that out. */
export function repliesLostTwice(calls: number): Loss {
  return (connection, aimed, proxy) => {
    const usual = proxy.onConnection;
    proxy.onConnection = (next) => {
      proxy.onConnection = usual;
      next.passCommand = (command) => {
        if (command.includes(':lock')) next.cut();
        return true;
      };
    };
    repliesLost(calls)(connection, aimed, proxy);
  };
}

/** From here on nothing comes through in either direction, and neither side is told. */
export const silence: Loss = (connection) => {
  connection.goSilent();
};

/** A call of one of BullMQ's scripts. */
export function isScript(command: Buffer): boolean {
  return command.includes('EVALSHA');
}

/** A call that ends a job: it carries a result or a reason. */
export function isAck(command: Buffer): boolean {
  return isScript(command) && (command.includes('returnvalue') || command.includes('failedReason'));
}

/** A call that only takes a job. */
export function isFetch(command: Buffer): boolean {
  return isScript(command) && command.includes(':limiter') && !isAck(command);
}

/** A call that delays a job: the only one whose first of 11 keys is the marker. */
export function isDelay(command: Buffer): boolean {
  return /EVALSHA\r\n\$40\r\n\w{40}\r\n\$2\r\n11\r\n\$\d+\r\n\S*:marker\r\n/.test(command.toString('latin1'));
}
