/**
 * Something with a lifetime. Both calls may be repeated: starting what runs and stopping what stands are no-ops,
 * and `stop` resolves only when nothing of the service is left (timers, sockets, children).
 */
export interface Service {
  start(): Promise<void>
  stop(): Promise<void>
}
