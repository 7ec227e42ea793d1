import type { LabelMap } from '../src/image/image.ts';
import { celebamask19 } from '../src/labels/celebamask-19.ts';
import type { ClassOrder } from '../src/labels/class-orders.ts';

/** Ears and glasses that an order lacks are skin there; other parts that it lacks are background. */
const onSkin = ['l_ear', 'r_ear', 'eye_g'];

/** Relabels a celebamask-19 mask as the program of `order` would store it. */
export function maskInOrder(map: LabelMap, order: ClassOrder): LabelMap {
  const table = celebamask19.classes.map(({ name }) => {
    const id = order.classes.indexOf(name);
    if (id >= 0) return id;
    return onSkin.includes(name) ? order.classes.indexOf('skin') : 0;
  });
  return { ...map, data: map.data.map((id) => table[id]) };
}
