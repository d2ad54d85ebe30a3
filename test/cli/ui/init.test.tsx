import { render } from 'ink-testing-library'
import { describe, expect, it } from 'vitest'
import { type Answers, defaultAnswers } from '../../../cli/scaffold/plan.ts'
import { InitScreen } from '../../../cli/ui/screens/init.tsx'
import { until } from '../../support/wait.ts'

function open(given: Partial<Answers> = {}) {
  const answers: Answers[] = []
  const screen = render(
    <InitScreen
      given={{ ...defaultAnswers, name: '', ...given }}
      cwd="/home/me"
      onDone={(chosen) => answers.push(chosen)}
    />,
  )
  const shows = (text: string) =>
    until(() => screen.lastFrame()?.includes(text), { describe: () => `"${text}" in:\n${screen.lastFrame()}` })
  return { ...screen, answers, shows }
}

const enter = '\r'
const down = '\x1b[B'
const esc = '\x1b'

describe('the init screen', () => {
  it('asks for a name and a broker, shows what it will make, and makes it on Enter', async () => {
    const screen = open()
    await screen.shows('Project')
    screen.stdin.write('shop')
    await screen.shows('shop')
    screen.stdin.write(enter)
    await screen.shows('RabbitMQ, and Redis for results')
    screen.stdin.write(down)
    await screen.shows('❯ Redis for both')
    screen.stdin.write(enter)
    await screen.shows('Enter makes it')
    expect(screen.lastFrame()).toContain('/home/me/shop')
    expect(screen.lastFrame()).toContain('tasks/arithmetics.ts')
    screen.stdin.write(enter)
    await until(() => screen.answers.length > 0, { describe: 'the answers' })
    expect(screen.answers).toEqual([{ name: 'shop', template: 'minimal', broker: 'redis' }])
  })

  it('does not ask what a flag has answered', async () => {
    const screen = open({ name: 'shop' })
    await screen.shows('RabbitMQ, and Redis for results')
    expect(screen.lastFrame()).toContain('Project shop')
  })

  it('says what is wrong with a name and asks again', async () => {
    const screen = open()
    await screen.shows('Project')
    screen.stdin.write('../evil')
    await screen.shows('../evil')
    screen.stdin.write(enter)
    await screen.shows("'../evil' cannot be the name of a project")
    await screen.shows('Use letters, digits, dashes and underscores')
    screen.stdin.write('x')
    await until(() => !screen.lastFrame()?.includes('cannot be'), { describe: 'the mistake to go' })
  })

  it('makes nothing when it is left', async () => {
    const screen = open({ name: 'shop' })
    await screen.shows('Broker')
    screen.stdin.write(esc)
    await screen.shows('Broker')
    expect(screen.answers).toEqual([])
  })
})
