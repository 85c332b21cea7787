import { onvifConnectionRows } from './onvif-connection-rows.ts';
import { onvifHttpRows } from './onvif-http-rows.ts';
import { onvifSoapRows } from './onvif-soap-rows.ts';
import type { Row } from './row.ts';

/** Every row that an ONVIF port is attacked with. */
export const onvifRows: readonly Row[] = [...onvifHttpRows, ...onvifSoapRows, ...onvifConnectionRows];
