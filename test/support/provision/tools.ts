import { answer } from '../process.ts'
import type { Part } from './part.ts'

type Tool = 'tmux' | 'chromium' | 'ss'

/** A program that only has to be there: found by asking for its version. */
const tool = <Name extends Tool>(name: Name, versionFlag: string, packages: string[]): Part<Name> => ({
  packages,
  async find() {
    const text = await answer(name, [versionFlag])
    const path = await answer('sh', ['-c', 'command -v "$0"', name])
    if (text === undefined || !path) return undefined
    return { version: /\d+\.\d[\w.]*/.exec(text)?.[0] ?? text, endpoint: { path } }
  },
})

export const tmux = tool('tmux', '-V', ['tmux'])
export const chromium = tool('chromium', '--version', ['chromium'])
export const ss = tool('ss', '-V', ['iproute2'])
