const SHORTEST = 12

export interface PasswordRule {
  text: string
  /** undefined: only the server can tell. */
  met: boolean | undefined
}

/** The rules that a new password is held to, and which of them it meets so far. */
export function passwordRules(password: string, email: string, fullName: string): PasswordRule[] {
  return [
    { text: `At least ${SHORTEST} characters`, met: password.length >= SHORTEST },
    { text: 'Does not hold your name or e-mail', met: password !== '' && !holdsIdentity(password, email, fullName) },
    { text: 'Not a common or leaked password (checked when you sign up)', met: undefined },
  ]
}

/** True if the password holds the name, a longer word of it, or the e-mail's first part. */
function holdsIdentity(password: string, email: string, fullName: string): boolean {
  const words = [...fullName.split(/\s+/), email.split('@')[0] ?? '']
  const lower = password.toLowerCase()
  return words.some((word) => word.length >= 3 && lower.includes(word.toLowerCase()))
}
