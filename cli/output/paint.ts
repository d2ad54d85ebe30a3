import { styleText } from 'node:util'

const styles = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  dim: 'dim',
  strong: 'bold',
  name: 'cyan',
} as const

/** Colours by meaning; colour is never the only sign of anything. */
export type Paint = Readonly<Record<keyof typeof styles, (text: string) => string>>

export function createPaint(isColored: boolean): Paint {
  const entries = Object.entries(styles).map(([name, style]) => [
    name,
    isColored ? (text: string) => styleText(style, text, { validateStream: false }) : (text: string) => text,
  ])
  return Object.fromEntries(entries)
}
