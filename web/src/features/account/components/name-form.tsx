import Button from '@mui/material/Button'
import Stack from '@mui/material/Stack'
import TextField from '@mui/material/TextField'
import { type SubmitEvent, useState } from 'react'
import { entry } from '@/components/entry'
import { FormProblem } from '@/components/form-problem'
import { useUpdateMe } from '@/features/account/api/profile'
import { problemFromError } from '@/lib/problem'

/** Changes the name. */
export function NameForm({ name }: { name: string }) {
  const [fullName, setFullName] = useState(name)
  const update = useUpdateMe()
  const problem = update.error && problemFromError(update.error)
  const submit = (event: SubmitEvent) => {
    event.preventDefault()
    update.mutate({ full_name: fullName.trim() })
  }
  return (
    <Stack component="form" spacing={2} onSubmit={submit} aria-label="Name">
      {problem && <FormProblem problem={problem} fields={['full_name']} />}
      <Stack direction={{ xs: 'column', sm: 'row' }} spacing={1.5} sx={{ alignItems: { sm: 'flex-start' } }}>
        <TextField
          label="Full name"
          name="name"
          autoComplete="name"
          size="small"
          fullWidth
          {...entry(fullName, setFullName, problem?.field('full_name'))}
        />
        <Button
          type="submit"
          variant="outlined"
          loading={update.isPending}
          disabled={!fullName.trim() || fullName.trim() === name}
          sx={{ minHeight: 40, whiteSpace: 'nowrap' }}
        >
          Save the name
        </Button>
      </Stack>
    </Stack>
  )
}
