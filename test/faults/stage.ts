import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A run of a processor. */
export interface Run {
  readonly id: string;
  /** The process that ran it. */
  readonly pid: number;
  /** What the processor wrote beside it. */
  readonly remark: string;
}

/** The folder that a test shares with the processors it starts: they note their runs there and wait for its signs. */
export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'bullmq-bridge-stage-'));
  /** For the processors to find it. */
  readonly env = { STAGE: this.folder };

  /** Lets the processors that wait for the sign go on. */
  putUp(sign: string): void {
    writeFileSync(join(this.folder, sign), '');
  }

  /** The runs so far, of one job or of all, in the order of their start. */
  runs(id?: string): Run[] {
    const runs = this.lines('runs').map((line): Run => {
      const [job = '', pid, remark = ''] = line.split(' ');
      return { id: job, pid: Number(pid), remark };
    });
    return id === undefined ? runs : runs.filter((run) => run.id === id);
  }

  /** The lines that were written to a file so far. */
  lines(file: string): string[] {
    try {
      return readFileSync(join(this.folder, file), 'utf8').split('\n').slice(0, -1);
    } catch {
      return []; // nothing was written
    }
  }

  /** Writes a file. */
  write(file: string, text: string): void {
    writeFileSync(join(this.folder, file), text);
  }

  /** Whether a file is there. */
  exists(file: string): boolean {
    return existsSync(join(this.folder, file));
  }

  /** Takes a sign down again. */
  takeDown(sign: string): void {
    rmSync(join(this.folder, sign));
  }

  /** Removes the folder. */
  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

const stages: Stage[] = [];

/** Lets the tests of a file make stages, and removes them at the end. */
export function useStages(): () => Stage {
  afterAll(() => {
    for (const stage of stages.splice(0)) stage.remove();
  });
  return () => {
    const stage = new Stage();
    stages.push(stage);
    return stage;
  };
}
