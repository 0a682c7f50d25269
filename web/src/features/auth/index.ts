export { type AuthMode, AuthPage } from './auth-page';
