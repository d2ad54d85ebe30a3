/**
 * Commands let go of the channel to whoever started them, which here is the test runner: between two of their own
 * handles this process would end. Gives what takes the channel back.
 */
export function keepRunner(): () => void {
  const alive = setInterval(() => {}, 1_000)
  return () => {
    clearInterval(alive)
    process.channel?.ref()
  }
}
