import SvgIcon, { type SvgIconProps } from '@mui/material/SvgIcon'

/** Icons of the app: 24-unit outlines, drawn here so that no icon set is shipped. */
function outline(path: string) {
  return function Icon(props: SvgIconProps) {
    return (
      <SvgIcon {...props}>
        <path d={path} fill="none" stroke="currentColor" strokeWidth="1.75" strokeLinecap="round" strokeLinejoin="round" />
      </SvgIcon>
    )
  }
}

export const HomeIcon = outline('M4 11 12 4l8 7v8a1 1 0 0 1-1 1h-4v-6H9v6H5a1 1 0 0 1-1-1z')
export const SegmentsIcon = outline('M12 3v9l7.8 4.5M12 3a9 9 0 1 0 7.8 13.5M12 3a9 9 0 0 1 7.8 13.5')
export const PipelineIcon = outline('M4 6h7v4H4zM13 14h7v4h-7zM11 8h3a2 2 0 0 1 2 2v4M4 16h9')
export const MenuIcon = outline('M4 7h16M4 12h16M4 17h16')
export const CloseIcon = outline('M6 6l12 12M18 6 6 18')
export const SunIcon = outline(
  'M12 16a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M18.7 5.3l-1.4 1.4M6.7 17.3l-1.4 1.4',
)
export const MoonIcon = outline('M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5z')
export const SystemIcon = outline('M4 5h16v11H4zM9 20h6M12 16v4')
export const CheckIcon = outline('M5 12.5l4.5 4.5L19 7.5')
export const CircleIcon = outline('M12 19a7 7 0 1 0 0-14 7 7 0 0 0 0 14z')
export const CrossIcon = outline('M7 7l10 10M17 7 7 17')
export const DownloadIcon = outline('M12 4v11M7.5 11 12 15.5 16.5 11M5 19.5h14')
export const RefreshIcon = outline('M20 12a8 8 0 1 1-2.5-5.8M20 4v4.5h-4.5')
export const CopyIcon = outline('M9 9h10v11H9zM15 9V4H5v11h4')
export const InfoIcon = outline('M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 7.6v.1')
export const ArrowIcon = outline('M5 12h14M13 6l6 6-6 6')
export const BookIcon = outline('M5 4.5h6a2 2 0 0 1 2 2V20a2 2 0 0 0-2-2H5zM19 4.5h-4a2 2 0 0 0-2 2V20a2 2 0 0 1 2-2h4z')
export const LogOutIcon = outline('M10 20H5V4h5M15 8l4 4-4 4M19 12H9')
export const VisibleIcon = outline('M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12zM12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6z')
export const HiddenIcon = outline('M4 4l16 16M9.9 5.8A9 9 0 0 1 12 5.5c6 0 9.5 6.5 9.5 6.5a17 17 0 0 1-3 3.7M6.3 7.6A16 16 0 0 0 2.5 12S6 18.5 12 18.5a9 9 0 0 0 4-1M9.9 9.9a3 3 0 0 0 4.2 4.2')
export const ChartIcon = outline('M4 20h16M7 16v-5M12 16V5M17 16V9')
export const UsersIcon = outline('M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20c0-3.6 2.9-6 6.5-6s6.5 2.4 6.5 6M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14.3c2.1.8 3.5 2.9 3.5 5.7')
export const ShieldIcon = outline('M12 3l7.5 3v5.5c0 4.5-3 7.8-7.5 9.5-4.5-1.7-7.5-5-7.5-9.5V6zM8.8 12l2.3 2.3 4.2-4.4')
export const ChatIcon = outline('M4 5h16v11h-8.5L7 20v-4H4zM8 9.2h8M8 12.2h5')
export const GlobeIcon = outline('M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM3 12h18M12 3c2.5 2.4 3.8 5.4 3.8 9s-1.3 6.6-3.8 9c-2.5-2.4-3.8-5.4-3.8-9S9.500 5.400 12 3z')
export const MoreIcon = outline('M12 6a.6.6 0 1 0 0-1.2.6.6 0 0 0 0 1.2zM12 12.6a.6.6 0 1 0 0-1.2.6.6 0 0 0 0 1.2zM12 19.2a.6.6 0 1 0 0-1.2.6.6 0 0 0 0 1.2z')
export const BellIcon = outline('M6 16V11a6 6 0 0 1 12 0v5l1.5 2h-15zM10 20.5a2.2 2.2 0 0 0 4 0')
export const ListIcon = outline('M8 6h12M8 12h12M8 18h12M4 6h.1M4 12h.1M4 18h.1')
export const PlusIcon = outline('M12 5v14M5 12h14')
export const TaskIcon = outline('M12 21a9 9 0 1 1 9-9M12 7v5l3 2M16 19l2 2 4-4')
export const ExpandIcon = outline('M7 10l5 5 5-5')
export const PlugIcon = outline('M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4')
export const PersonIcon = outline('M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.6-3.6 3.6-5.5 7.5-5.5s6.9 1.9 7.5 5.5')
export const KeyIcon = outline('M8 19a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM11 12.2 19 4M15.5 7.5 18.5 10.5')
export const PrintIcon = outline('M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z')
