import { useState } from 'react'

/** The question that the shown answer is of: while the next one is on its way, still the one before. */
export function useAnswered<Question>(question: Question, waits: boolean): Question {
  const [answered, setAnswered] = useState(question)
  if (!waits && JSON.stringify(answered) !== JSON.stringify(question)) setAnswered(question)
  return waits ? answered : question
}
