/** Groups of actions as the log names them: a dot at the end stands for all that begin so. */
export const ACTION_GROUPS: readonly { action: string; title: string }[] = [
  { action: 'login.', title: 'Log-ins' },
  { action: 'login.failed', title: 'Failed log-ins' },
  { action: 'user.', title: 'Changes of accounts' },
  { action: 'password.', title: 'Passwords' },
  { action: 'mfa.', title: 'Two-factor log-in' },
  { action: 'api_key.', title: 'API keys' },
  { action: 'email.', title: 'E-mail addresses' },
  { action: 'profile.', title: 'Profiles' },
  { action: 'oauth.', title: 'OAuth' },
]

/** An action in words: `api_key.created` → `Api key created`. */
export function actionTitle(action: string): string {
  const words = action.replace(/[._]/g, ' ')
  return words.charAt(0).toUpperCase() + words.slice(1)
}

/** Whether an action is one to look at: something was refused, shut or erased. */
export const isGrave = (action: string): boolean => /failed|wrong|locked|erased|revoked|disabled|refused|reuse/.test(action)
