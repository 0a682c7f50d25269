export { Switcher, type SwitcherProps } from './switcher';
