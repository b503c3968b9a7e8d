// As the auth service has them; it decides, this only tells early.
const SHORTEST = 12
const LEAST_DISTINCT = 5
const NAME_PART = 4

export interface PasswordRule {
  text: string
  /** undefined: only the server can tell. */
  met: boolean | undefined
}

/** The rules that a new password is held to, and which of them it meets so far; without `owner` only the server knows whose it is. */
export function passwordRules(password: string, owner?: { email: string; full_name: string }): PasswordRule[] {
  return [
    { text: `At least ${SHORTEST} characters`, met: password.length >= SHORTEST },
    { text: `At least ${LEAST_DISTINCT} different characters`, met: new Set(password).size >= LEAST_DISTINCT },
    { text: 'Does not hold your name or e-mail', met: owner && password !== '' && !holdsIdentity(password, owner.email, owner.full_name) },
    { text: 'Not a common password (checked when you send it)', met: undefined },
  ]
}

/** True if the password holds the name, a longer word of it, or the e-mail's first part. */
function holdsIdentity(password: string, email: string, fullName: string): boolean {
  const words = [...fullName.split(/\s+/), email.split('@')[0] ?? '']
  const lower = password.toLowerCase()
  return words.some((word) => word.length >= NAME_PART && lower.includes(word.toLowerCase()))
}
