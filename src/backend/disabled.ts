import { CeleryError } from '../errors.ts'
import type { Backend } from './backend.ts'

/** No results: the worker stores nothing, and asking says so instead of waiting for ever. */
export async function openDisabled(url: string): Promise<Backend> {
  const refuse = async () => {
    throw new CeleryError('BACKEND_DISABLED', 'results are not kept: no result backend is configured')
  }
  return {
    name: 'disabled',
    url,
    isShared: false,
    store: async () => {},
    get: refuse,
    watch: refuse,
    forget: refuse,
    close: async () => {},
  }
}
