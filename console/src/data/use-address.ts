import { useCallback } from "react";
import { useSearchParams } from "wouter";

/** A value that stands in the address, so that a view can be sent to somebody; "" is left out. */
export function useAddress(name: string): readonly [value: string, change: (value: string) => void] {
  const [params, setParams] = useSearchParams();
  const change = useCallback(
    (value: string) =>
      setParams((before) => {
        const after = new URLSearchParams(before);
        if (value === "") after.delete(name);
        else after.set(name, value);
        return after;
      }),
    [name, setParams],
  );
  return [params.get(name) ?? "", change];
}
