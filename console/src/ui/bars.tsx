/** A small chart of bars. @param label what it says, for those who cannot see it. */
export function Bars({ values, label }: { values: readonly number[]; label: string }) {
  const most = Math.max(1, ...values);
  return (
    <svg
      className="bars"
      viewBox={`0 0 ${values.length * 4} 28`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {values.map((value, index) => {
        const height = value === 0 ? 1 : Math.max(3, (value / most) * 28);
        return (
          <rect
            // Bars never change their places.
            // biome-ignore lint/suspicious/noArrayIndexKey: see above
            key={index}
            className={value === 0 ? "none" : ""}
            x={index * 4}
            y={28 - height}
            width={3}
            height={height}
          />
        );
      })}
    </svg>
  );
}
