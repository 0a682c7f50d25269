import { Eye, EyeOff } from 'lucide-react';
import { useLayoutEffect, useRef, useState } from 'react';
import { IconButton, Input, type InputProps } from '@/components/ui';
import { messages } from '@/lib/messages';

const t = messages.auth;

/** A password with a button to look at it; the caret stays where it was. */
export function PasswordField({
  label = t.password,
  ...props
}: Omit<InputProps, 'type' | 'label' | 'trailing' | 'ref'> & { label?: string }) {
  const [visible, setVisible] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const caret = useRef<[number, number] | null>(null);

  // Changing the type moves the caret to the start in some browsers.
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs after each change of the type.
  useLayoutEffect(() => {
    if (caret.current) field.current?.setSelectionRange(...caret.current);
    caret.current = null;
  }, [visible]);

  const toggle = () => {
    const { selectionStart, selectionEnd } = field.current ?? {};
    if (typeof selectionStart === 'number') caret.current = [selectionStart, selectionEnd ?? selectionStart];
    setVisible(!visible);
  };

  return (
    <Input
      {...props}
      ref={field}
      label={label}
      type={visible ? 'text' : 'password'}
      autoCapitalize="none"
      autoCorrect="off"
      spellCheck={false}
      trailing={
        <IconButton
          label={visible ? t.hidePassword : t.showPassword}
          className="size-9"
          // Focus stays in the field, so that phones keep their keyboard.
          onPointerDown={(event) => event.preventDefault()}
          onClick={toggle}
        >
          {visible ? <EyeOff className="size-[18px]" /> : <Eye className="size-[18px]" />}
        </IconButton>
      }
    />
  );
}
