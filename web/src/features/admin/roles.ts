import type { ManagedUser, Role } from '@/features/admin/api/users'
import type { Tone } from '@/components/tone-chip'

/** The roles, and in a few words what each may do. */
export const ROLES: readonly { role: Role; title: string; may: string }[] = [
  { role: 'viewer', title: 'Viewer', may: 'Reads the open systems' },
  { role: 'analyst', title: 'Analyst', may: 'Reads and runs the open systems, reads compliance and the pipeline' },
  { role: 'investigator', title: 'Investigator', may: 'All of compliance, the copilot, personal data' },
  { role: 'api_user', title: 'API user', may: 'Reads the open systems, for programs' },
  { role: 'admin', title: 'Admin', may: 'Everything, accounts and personal data too' },
]

export const roleTitle = (role: string): string => ROLES.find((known) => known.role === role)?.title ?? role

/** How an account stands. */
export function standing(user: ManagedUser): { tone: Tone; label: string } {
  if (user.disabled) return { tone: 'error', label: 'Disabled' }
  if (!user.has_password) return { tone: 'info', label: 'Invited' }
  if (!user.email_verified) return { tone: 'neutral', label: 'Active, unconfirmed' }
  return { tone: 'success', label: 'Active' }
}
