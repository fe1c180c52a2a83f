import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

/**
 * Where uploads and extracted files lie: `<root>/<batch id>/upload.zip` and, beside it, one folder per extraction. Only
 * ids that this backend generated become part of a path.
 */
export class Storage {
  readonly #root: string;

  /** @param root - absolute; created when it is needed. */
  constructor(root: string) {
    this.#root = root;
  }

  /** Path of a batch's archive. */
  uploadPath(batchId: string): string {
    return join(this.#root, batchId, 'upload.zip');
  }

  /** Folder for the files of one extraction: a new one each time, so that two that overlap do not meet. */
  extractionPath(uploadPath: string, extractionId: string): string {
    return join(dirname(uploadPath), `files-${extractionId}`);
  }

  /** Streams an upload to its place. Whatever goes wrong, nothing is left behind. */
  async saveUpload(batchId: string, content: Readable): Promise<string> {
    const path = this.uploadPath(batchId);
    await mkdir(dirname(path), { recursive: true });
    try {
      await pipeline(content, createWriteStream(path, { flags: 'wx' }));
      return path;
    } catch (error) {
      await this.removeBatch(path);
      throw error;
    }
  }

  /** Removes an archive and everything that was extracted from it. */
  async removeBatch(uploadPath: string): Promise<void> {
    await rm(dirname(uploadPath), { recursive: true, force: true });
  }

  /** Removes what extractions that were cut short have left. */
  async removeExtractions(uploadPath: string): Promise<void> {
    const folder = dirname(uploadPath);
    for (const name of await readdir(folder)) {
      if (name.startsWith('files-')) await rm(join(folder, name), { recursive: true, force: true });
    }
  }

  /** Removes the files of one extraction. */
  async removeFiles(files: readonly { readonly path: string }[]): Promise<void> {
    for (const folder of new Set(files.map(({ path }) => dirname(path))))
      await rm(folder, { recursive: true, force: true });
  }
}
