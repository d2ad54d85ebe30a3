import { type Api, call } from './api.ts'
import { isDeaf, stopSignalOf } from './hearing.ts'

/**
 * Stops a container. Where nobody in it can hear its stop signal it is killed at once, instead of after a grace
 * period in which nothing would happen; a timeout that was asked for is waited for all the same.
 */
export async function stopContainer(api: Api, container: string, timeoutSeconds: number | undefined): Promise<void> {
  if (timeoutSeconds === undefined) await killIfDeaf(api, container)
  const options = timeoutSeconds === undefined ? {} : { t: timeoutSeconds }
  await call(`stop ${api.nameOf(container)}`, () => api.container(container).stop(options), [304, 404])
}

async function killIfDeaf(api: Api, container: string): Promise<void> {
  const found = await api.inspect(container)
  if (!found || !(await isDeaf(api, found))) return
  // Who learned to hear between the two looks has heard it, and has its time.
  await signalContainer(api, container, stopSignalOf(found))
  if (await isDeaf(api, found)) await signalContainer(api, container, 'SIGKILL')
}

/** Sends a signal to the first process; one that is gone or stands needs none. */
export async function signalContainer(api: Api, container: string, signal: string): Promise<void> {
  await call(`send ${signal} to ${api.nameOf(container)}`, () => api.container(container).kill({ signal }), [404, 409])
}
