import Autocomplete from '@mui/material/Autocomplete'
import Box from '@mui/material/Box'
import Checkbox from '@mui/material/Checkbox'
import FormControl from '@mui/material/FormControl'
import FormControlLabel from '@mui/material/FormControlLabel'
import FormGroup from '@mui/material/FormGroup'
import FormHelperText from '@mui/material/FormHelperText'
import FormLabel from '@mui/material/FormLabel'
import TextField from '@mui/material/TextField'
import Typography from '@mui/material/Typography'
import type { Role } from '@/features/admin/api/users'
import { ROLES } from '@/features/admin/roles'

export interface Access {
  roles: Role[]
  regions: string[]
}

interface AccessFieldsProps {
  access: Access
  onChange: (access: Access) => void
  wrong: (field: string) => string | undefined
}

/** What an account may do, and which regions it is bound to. */
export function AccessFields({ access, onChange, wrong }: AccessFieldsProps) {
  const { roles, regions } = access
  const toggle = (role: Role) => {
    const chosen = roles.includes(role) ? roles.filter((other) => other !== role) : [...roles, role]
    onChange({ ...access, roles: chosen })
  }
  return (
    <>
      <FormControl component="fieldset" error={Boolean(wrong('roles'))}>
        <FormLabel component="legend" sx={{ mb: 0.5, fontSize: '0.875rem' }}>
          Roles
        </FormLabel>
        <FormGroup>
          {ROLES.map(({ role, title, may }) => (
            <FormControlLabel
              key={role}
              control={<Checkbox size="small" checked={roles.includes(role)} onChange={() => toggle(role)} sx={{ mt: -0.5 }} />}
              label={<RoleLabel title={title} may={may} />}
              sx={{ alignItems: 'flex-start', py: 0.5 }}
            />
          ))}
        </FormGroup>
        <FormHelperText>{wrong('roles') ?? (roles.length === 0 ? 'Choose at least one.' : ' ')}</FormHelperText>
      </FormControl>
      <Autocomplete
        multiple
        freeSolo
        // What was typed counts without Enter, too: a region left out would open every region.
        autoSelect
        options={[]}
        value={regions}
        onChange={(_, chosen) => onChange({ ...access, regions: chosen.map((one) => one.trim()).filter(Boolean) })}
        renderInput={(input) => (
          <TextField
            {...input}
            label="Regions"
            error={Boolean(wrong('regions'))}
            helperText={wrong('regions') ?? 'Rows of other regions are hidden. None: every region. Press Enter after each.'}
          />
        )}
      />
    </>
  )
}

function RoleLabel({ title, may }: { title: string; may: string }) {
  return (
    <Box>
      <Typography variant="body2" sx={{ fontWeight: 600 }}>
        {title}
      </Typography>
      <Typography variant="body2" color="textSecondary">
        {may}
      </Typography>
    </Box>
  )
}
