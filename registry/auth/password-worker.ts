import { parentPort } from 'node:worker_threads'
import { verifyPassword } from './password-hash.ts'

// A thread of the password pool: {id, password, hash} in, {id, matches} out.
parentPort?.on('message', (job: { id: number; password: string; hash: string }) => {
  parentPort?.postMessage({ id: job.id, matches: verifyPassword(job.password, job.hash) })
})
