import { Select, TextInput } from '@inkjs/ui'
import { Box, render, Text, useApp, useInput } from 'ink'
import { useState } from 'react'
import type { Context } from '../../context.ts'
import { CliError } from '../../errors.ts'
import { onAbort } from '../../interrupt.ts'
import { type Answers, defaultAnswers, planScaffold } from '../../scaffold/plan.ts'

/** Asks what `init` needs to know; each question is also a flag. Leaving with Esc or Ctrl-C makes nothing. */
export async function askForProject(given: Answers, { cwd, stdin, stdout, signal }: Context): Promise<Answers> {
  let answers: Answers | undefined
  const screen = <InitScreen given={given} cwd={cwd} onDone={(chosen) => (answers = chosen)} />
  const app = render(screen, { stdin, stdout, exitOnCtrlC: false })
  onAbort(signal, () => app.unmount())
  await app.waitUntilExit()
  if (!answers) throw new CliError('INTERRUPTED', 'nothing was made')
  return answers
}

const brokers = [
  { label: 'RabbitMQ, and Redis for results', value: 'rabbitmq' },
  { label: 'Redis for both', value: 'redis' },
]

interface InitScreenProps {
  given: Answers
  cwd: string
  onDone: (answers: Answers) => void
}

type Question = 'name' | 'broker' | 'confirm'

/** One question after another, each answered one staying above the next. */
export function InitScreen({ given, cwd, onDone }: InitScreenProps) {
  const { exit } = useApp()
  const [answers, setAnswers] = useState(given)
  const [question, setQuestion] = useState<Question>(given.name ? 'broker' : 'name')
  const [problem, setProblem] = useState('')

  const answer = (given: Partial<Answers>, next: Question) => {
    const chosen = { ...answers, ...given }
    setAnswers(chosen)
    setProblem(problemWith(chosen, cwd))
    if (!problemWith(chosen, cwd)) setQuestion(next)
  }
  useInput((input, key) => {
    if (key.escape || (key.ctrl && input === 'c')) exit()
    if (question === 'confirm' && key.return) {
      onDone(answers)
      exit()
    }
  })

  return (
    <Box flexDirection="column">
      <Line label="Project" value={question === 'name' ? undefined : answers.name}>
        <TextInput
          placeholder={defaultAnswers.name}
          onChange={(name) => name.trim() !== answers.name && setProblem('')}
          onSubmit={(name) => answer({ name: name.trim() || defaultAnswers.name }, 'broker')}
        />
      </Line>
      {problem && <Text color="red">{problem}</Text>}
      {question !== 'name' && (
        <Line label="Broker" value={question === 'broker' ? undefined : answers.broker}>
          <Select options={brokers} onChange={(broker) => answer({ broker: broker as Answers['broker'] }, 'confirm')} />
        </Line>
      )}
      {question === 'confirm' && <Preview answers={answers} cwd={cwd} />}
      <Text dimColor>{question === 'confirm' ? 'Enter makes it · Esc leaves' : 'Enter goes on · Esc leaves'}</Text>
    </Box>
  )
}

function Line({ label, value, children }: { label: string; value: string | undefined; children: React.ReactNode }) {
  return (
    <Box gap={1}>
      <Text bold>{label}</Text>
      {value === undefined ? children : <Text color="cyan">{value}</Text>}
    </Box>
  )
}

function Preview({ answers, cwd }: { answers: Answers; cwd: string }) {
  const { directory, files } = planScaffold(answers, cwd)
  return (
    <Box flexDirection="column" marginY={1}>
      <Text>{directory}</Text>
      {files.map(({ path }) => (
        <Text key={path} dimColor>
          {'  '}
          {path}
        </Text>
      ))}
    </Box>
  )
}

function problemWith(answers: Answers, cwd: string): string {
  try {
    planScaffold(answers, cwd)
    return ''
  } catch (error) {
    if (error instanceof CliError) return `${error.message}. ${error.next}`
    throw error
  }
}
