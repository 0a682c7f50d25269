export { DevicesPanel } from './devices-panel';
export { SecurityPanel } from './security-panel';
