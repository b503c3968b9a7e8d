import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import { useState } from 'react'
import { PlusIcon } from '@/components/icons'
import { PageHeader } from '@/components/page-header'
import { Said } from '@/components/said'
import type { ManagedUser } from '@/features/admin/api/users'
import { type Deed, UserDeed } from '@/features/admin/components/user-deeds'
import { UserDialog } from '@/features/admin/components/user-dialog'
import { UsersTable } from '@/features/admin/components/users-table'
import { useMay } from '@/lib/context'

type Open = { form: ManagedUser | undefined } | { deed: Deed; user: ManagedUser } | undefined

/** Who has an account and what each may do. */
export function UsersPage() {
  const [open, setOpen] = useState<Open>()
  const [said, setSaid] = useState('')
  const may = useMay('auth:manage')
  const close = () => setOpen(undefined)
  const done = (what: string) => {
    setSaid(what)
    close()
  }
  return (
    <Stack spacing={3}>
      <Stack direction={{ xs: 'column', sm: 'row' }} spacing={2} sx={{ justifyContent: 'space-between', alignItems: { sm: 'flex-end' } }}>
        <PageHeader title="Users" detail="Who has an account, what each may do, and which regions each sees." />
        {may && (
          <Button variant="contained" startIcon={<PlusIcon />} onClick={() => setOpen({ form: undefined })} sx={{ flex: 'none' }}>
            Invite a user
          </Button>
        )}
      </Stack>
      <UsersTable
        may={may}
        onChange={(user) => setOpen({ form: user })}
        onDeed={(user, deed) => setOpen({ user, deed })}
      />
      {open && 'form' in open && <UserDialog user={open.form} onDone={done} onClose={close} />}
      {open && 'deed' in open && <UserDeed {...open} onDone={done} onClose={close} />}
      <Said what={said} onClose={() => setSaid('')} />
    </Stack>
  )
}
