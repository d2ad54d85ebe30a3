import { answer } from '../process.ts'
import type { Part } from './part.ts'

type Tool = 'tmux' | 'chromium' | 'ss' | 'systemd'

/** A program that only has to be there: found by asking for its version. */
const tool = <Name extends Tool>(
  name: Name,
  versionFlag: string,
  packages: string[],
  program: string = name,
): Part<Name> => ({
  packages,
  async find() {
    const text = await answer(program, [versionFlag])
    const path = await answer('sh', ['-c', 'command -v "$0"', program])
    if (text === undefined || !path) return undefined
    return { version: /\d+\.\d[\w.]*/.exec(text)?.[0] ?? text, endpoint: { path } }
  },
})

export const tmux = tool('tmux', '-V', ['tmux'])
export const chromium = tool('chromium', '--version', ['chromium'])
export const ss = tool('ss', '-V', ['iproute2'])
export const systemd = tool('systemd', '--version', ['systemd'], 'systemd-analyze')
