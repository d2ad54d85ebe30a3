import { styleText } from 'node:util'
import { sanitize, sanitizeColored } from './sanitize.ts'

const styles = {
  good: 'green',
  bad: 'red',
  warn: 'yellow',
  dim: 'dim',
  strong: 'bold',
  name: 'cyan',
} as const

/** What a colour means. */
export type Tone = keyof typeof styles

/** Colours by meaning; colour is never the only sign of anything. */
export interface Paint extends Readonly<Record<Tone, (text: string) => string>> {
  /** Text in the colour of a name, which is the same wherever and whenever it is shown. */
  readonly of: (name: string, text: string) => string
  /** A line of somebody else: it cannot steer the terminal; where there are colours, those of its letters stay. */
  readonly foreign: (line: string) => string
}

export function createPaint(isColored: boolean): Paint {
  const paint = (style: Style, text: string) => (isColored ? styleText(style, text, { validateStream: false }) : text)
  const entries = Object.entries(styles).map(([name, style]) => [name, (text: string) => paint(style, text)])
  return {
    ...Object.fromEntries(entries),
    of: (name, text) => paint(colorOf(name), text),
    foreign: isColored ? endedColors : sanitize,
  }
}

type Style = (typeof styles)[keyof typeof styles] | (typeof nameColors)[number]

const nameColors = [
  ...(['cyan', 'yellow', 'green', 'magenta', 'blue'] as const),
  ...(['cyanBright', 'yellowBright', 'greenBright', 'magentaBright', 'blueBright'] as const),
] as const

function colorOf(name: string): Style {
  const sum = [...name].reduce((hash, letter) => (hash * 31 + letter.charCodeAt(0)) >>> 0, 7)
  return nameColors[sum % nameColors.length] ?? 'cyan'
}

/** What a line left on ends with it. */
function endedColors(line: string): string {
  const colored = sanitizeColored(line)
  return colored.includes('\x1b') ? `${colored}\x1b[0m` : colored
}
