/** A certificate for 127.0.0.1 that is its own authority. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Certificate {
  /** Paths of PEM files. */
  readonly certificate: string;
  readonly key: string;
}

/** Makes the two files, good for two days, by `openssl`. @param folder that the caller removes */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const [certificate, key] = [join(folder, 'certificate.pem'), join(folder, 'key.pem')];
  const kind = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2'];
  const subject = ['-subj', '/CN=wmbp test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await run('openssl', [...kind, '-keyout', key, '-out', certificate, ...subject]);
  return { certificate, key };
}
