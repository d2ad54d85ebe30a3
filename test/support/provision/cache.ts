import { mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** What outlives a test run: downloads and the log of a Docker engine that was started here. */
export const cacheDirectory = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'celery-sandbox-test')

mkdirSync(cacheDirectory, { recursive: true })
