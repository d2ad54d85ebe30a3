const units = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
] as const

/** `300` → `5.00 minutes`, as Celery says it. */
export function humanizeSeconds(seconds: number): string {
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ['second', 1]
  const count = seconds / size
  return `${count.toFixed(2)} ${unit}${count === 1 ? '' : 's'}`
}
